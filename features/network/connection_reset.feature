@network
Feature: A pod whose connections are reset is left out, and taken in again

  Scenario: Every connection of one reviews pod is reset
    Given every workload of bookinfo is steady
    When every connection of 1 reviews pod is reset for 15 seconds
    And the fault is over
    Then reviews recovers within 15 seconds
    And no alert fires
