@autorecovery @addon
Feature: Who repairs may itself be lost

  Scenario: A replica is lost just before the trouble
    Given every workload of bookinfo is steady
    And auto-recovery may act
    When 1 autorecovery pod is deleted
    And 1 reviews-v1 pod runs out of memory
    Then auto-recovery acts by out-of-memory on reviews-v1 within 50 seconds
    And auto-recovery does nothing else
