@recovery
Feature: Pods that are killed are replaced

  Scenario: One reviews pod is deleted
    Given every workload of bookinfo is steady
    When 1 reviews pod is deleted
    Then reviews recovers within 30 seconds
    And no alert fires

  Scenario: A share of nginx-web is evicted as its budget allows
    Given every workload of demo is steady
    And a client watches nginx-web
    When 30 % of the nginx-web pods are evicted
    Then nginx-web recovers within 30 seconds
    And nginx-web answers throughout
    And no alert fires
