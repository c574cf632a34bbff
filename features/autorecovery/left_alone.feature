@autorecovery @addon
Feature: A rollout is its author's business

  Scenario: A new version cannot start
    Given every workload of bookinfo is steady
    And auto-recovery may act
    When details is given an image that does not exist for 60 seconds
    Then auto-recovery does nothing
