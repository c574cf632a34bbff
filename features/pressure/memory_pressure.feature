@pressure
Feature: A pod whose memory is nearly full goes on

  Scenario: One nginx-web pod is held at 90 % of its memory limit
    Given every workload of demo is steady
    And a client watches nginx-web
    When 1 nginx-web pod holds 90 % of its memory limit for 40 seconds
    And the fault is over
    Then nginx-web answers throughout
    And no alert fires
