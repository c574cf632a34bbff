@alerting
Feature: What users suffer is told by its signal

  Scenario: A page whose details cannot be had comes late, and its API answers with errors
    Given every workload of bookinfo is steady
    And 10 users load productpage at 2 requests per second each for 240 seconds
    When details is scaled to zero for 90 seconds
    Then HighErrorRate fires for productpage within 60 seconds
    And HighErrorRate reaches the critical receiver within 10 seconds
    And HighLatency fires for productpage within 90 seconds
    And HighLatency reaches the performance receiver within 10 seconds
    And HighLatency reaches the warning receiver within 10 seconds
    When the fault is taken back
    Then details recovers within 30 seconds
    And HighErrorRate resolves for productpage within 3 minutes
    And the critical receiver hears within 20 seconds that HighErrorRate is over
    And HighLatency resolves for productpage within 4 minutes

  Scenario: A service that is asked much is told to nobody who would have to act
    Given every workload of demo is steady
    And 60 users load sample-app at 3 requests per second each for 150 seconds
    When the load goes on for 90 seconds
    Then HighTraffic fires for sample-app within 2 minutes
    And HighTraffic reaches the default receiver within 10 seconds
    And no other alert fires
