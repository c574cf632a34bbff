@recovery
Feature: A pod that runs out of memory comes back, and the right people hear of it

  Scenario: One reviews pod is killed for want of memory
    Given every workload of bookinfo is steady
    When 1 reviews pod runs out of memory
    Then reviews recovers within 30 seconds
    And PodOOMKilled fires within 30 seconds
    And PodOOMKilled reaches the warning receiver within 10 seconds
    And PodOOMKilled resolves within 3 minutes
    And no other alert fires
