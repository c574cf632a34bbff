@pressure
Feature: A pod whose CPU is hogged is no reason for others to fail

  Scenario: Two processes burn the CPU time of one reviews pod
    Given every workload of bookinfo is steady
    And a client watches productpage
    When 2 processes hog the CPU of 1 reviews pod for 40 seconds
    And the fault is over
    Then productpage answers throughout
    And no alert fires
