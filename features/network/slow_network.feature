@network
Feature: A slow network is noticed, and over when it is over

  Scenario: One reviews pod answers two seconds late
    Given every workload of bookinfo is steady
    When the network of 1 reviews pod is slower by 2 seconds for 20 seconds
    And the fault is over
    Then reviews recovers within 15 seconds
    And no alert fires

  Scenario: One reviews pod answers now sooner, now later
    Given every workload of bookinfo is steady
    When the network of 1 reviews pod jitters by 500ms around 2 seconds for 20 seconds
    And the fault is over
    Then reviews recovers within 15 seconds
