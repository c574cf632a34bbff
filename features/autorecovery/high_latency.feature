@autorecovery @addon
Feature: A service that comes late gets company

  Scenario: Productpage waits for details, which are not there
    Given every workload of bookinfo is steady
    And auto-recovery may act
    And 10 users load productpage at 2 requests per second each for 240 seconds
    When details is scaled to zero for 120 seconds
    Then auto-recovery acts by high-latency on productpage within 2 minutes
    When the fault is taken back
    Then details recovers within 30 seconds
    And auto-recovery does nothing else
