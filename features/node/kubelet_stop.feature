@node
Feature: A node that is not heard of does not take its services with it

  Scenario: The kubelet of a worker is stopped for a minute and a half
    Given every workload of demo is steady
    And a client watches nginx-web
    When the kubelet of the node that holds most of nginx-web is stopped for 90 seconds
    And the fault is over
    Then nginx-web answers throughout
