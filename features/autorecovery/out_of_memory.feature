@autorecovery @addon
Feature: What ran out of memory gets another pod, once

  Scenario: One details pod is killed for want of memory
    Given every workload of bookinfo is steady
    And auto-recovery may act
    When 1 details pod runs out of memory
    Then auto-recovery acts by out-of-memory on details within 20 seconds
    And details recovers within 30 seconds
    And auto-recovery does nothing else
    And auto-recovery counts at least 85 % of the pods as running or completed

  Scenario: A dry run changes nothing
    Given every workload of bookinfo is steady
    And auto-recovery only says what it would do
    When 1 ratings pod runs out of memory
    Then auto-recovery says what out-of-memory would do within 30 seconds
    And ratings recovers within 30 seconds
    And auto-recovery does nothing
