@network @protected
Feature: A node that does not reach the API server for a while goes on serving

  Scenario: One worker is cut off from the API server for half a minute
    Given every workload of bookinfo is steady
    And a client watches productpage
    When the API server cannot be reached from the node that holds most of details for 30 seconds
    And the fault is over
    Then productpage answers throughout
