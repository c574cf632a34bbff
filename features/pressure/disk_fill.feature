@pressure
Feature: A service whose disk was full goes on once there is room again, and its owners heard of it

  Scenario: The ledger's volume is nearly full for a while
    Given every workload of demo is steady
    When the volume at /data of 1 ledger pod is filled to 95 % for 150 seconds
    Then PodNotReady fires within 2 minutes
    And PersistentVolumeUsageHigh fires within 150 seconds
    And PersistentVolumeUsageHigh reaches the warning receiver within 10 seconds
    When the fault is over
    Then ledger recovers within 30 seconds
    And PersistentVolumeUsageHigh resolves within 4 minutes
    And PodNotReady resolves within 4 minutes
    And no other alert fires
