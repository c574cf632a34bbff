@autorecovery @addon
Feature: What is somebody else's is left alone

  Scenario: A rollout is its author's business
    Given every workload of bookinfo is steady
    And auto-recovery may act
    When details is given an image that does not exist for 60 seconds
    Then auto-recovery does nothing

  Scenario: A workload that has opted out
    Given every workload of bookinfo is steady
    And auto-recovery may act
    And reviews-v3 has opted out of auto-recovery
    When 1 reviews-v3 pod runs out of memory
    Then reviews-v3 recovers within 30 seconds
    And auto-recovery does nothing
