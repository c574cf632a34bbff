@network
Feature: A pod that loses packets takes part again when the network is whole

  Scenario: One reviews pod loses most of its packets
    Given every workload of bookinfo is steady
    When the network of 1 reviews pod loses 90 % of its packets for 20 seconds
    And the fault is over
    Then reviews recovers within 15 seconds
    And no alert fires
