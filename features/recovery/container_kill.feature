@recovery
Feature: A container that is killed is started again

  Scenario: One reviews container is killed
    Given every workload of bookinfo is steady
    When 1 reviews container is killed
    Then reviews recovers within 30 seconds
    And no alert fires

  Scenario: One nginx-web container is asked to end
    Given every workload of demo is steady
    When 1 nginx-web container is asked to end
    Then nginx-web recovers within 30 seconds
    And no alert fires
