@pressure
Feature: A service whose disk was full goes on once there is room again

  Scenario: The ledger's volume is nearly full for a while
    Given every workload of demo is steady
    When the volume at /data of 1 ledger pod is filled to 95 % for 30 seconds
    And the fault is over
    Then ledger recovers within 30 seconds
    And no alert fires
