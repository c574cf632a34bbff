@network
Feature: A pod that nobody reaches is left out, and taken in again

  Scenario: One reviews pod is cut off from everything
    Given every workload of bookinfo is steady
    When 1 reviews pod is cut off from the network and its node for 15 seconds
    And the fault is over
    Then reviews recovers within 15 seconds
    And no alert fires

  Scenario: One reviews pod is cut off while its node still finds it healthy
    Given every workload of bookinfo is steady
    When 1 reviews pod is cut off from the network for 15 seconds
    And the fault is over
    Then no alert fires

  Scenario: One reviews pod and the ratings lose one another
    Given every workload of bookinfo is steady
    When 1 reviews-v3 pod and ratings cannot reach each other for 15 seconds
    And the fault is over
    Then no alert fires
