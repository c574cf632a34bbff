@alerting @whole
Feature: A pod that keeps crashing is told to those who look after it

  Scenario: A roll-out whose containers cannot start
    Given every workload of bookinfo is steady
    When details is given the bad value nowhere for BOOKINFO_SERVICE for 330 seconds
    Then PodNotReady fires within 2 minutes
    And PodNotReady reaches the warning receiver within 10 seconds
    And PodCrashLooping fires within 5 minutes 10 seconds
    And PodCrashLooping reaches the crash-loop receiver within 10 seconds
    And PodCrashLooping reaches the warning receiver within 10 seconds
    When the fault is taken back
    Then details recovers within 30 seconds
    And PodNotReady resolves within 3 minutes
