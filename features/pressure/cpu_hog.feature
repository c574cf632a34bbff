@pressure
Feature: A pod whose CPU is hogged is no reason for others to fail

  Scenario: Two processes burn the CPU time of one nginx-web pod
    Given every workload of demo is steady
    And a client watches nginx-web
    When 2 processes hog the CPU of 1 nginx-web pod for 40 seconds
    And the fault is over
    Then nginx-web answers throughout
    And no alert fires
