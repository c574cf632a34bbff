@recovery @whole
Feature: A bad roll-out does not take the service away

  Scenario: An image that does not exist
    Given every workload of demo is steady
    And a client watches nginx-web
    When nginx-web is given an image that does not exist for 60 seconds
    And the fault is taken back
    Then nginx-web answers throughout

  Scenario: A command that does not exist
    Given every workload of demo is steady
    And a client watches nginx-web
    When nginx-web is given a command that does not exist for 60 seconds
    And the fault is taken back
    Then nginx-web answers throughout

  Scenario: New pods that are never Ready
    Given every workload of demo is steady
    And a client watches nginx-web
    When the readiness probe of new nginx-web pods fails for 60 seconds
    And the fault is taken back
    Then nginx-web answers throughout
