@autorecovery @addon
Feature: A container that crashes again and again gets another pod

  Scenario: The ratings container crashes six times in a row
    Given every workload of bookinfo is steady
    And auto-recovery may act
    # Earlier restarts would count.
    When 1 ratings pod is deleted
    Then ratings recovers within 30 seconds
    # The kubelet restarts it at once, then after 10, 20, 40 and 80 s; it would wait 160 s more.
    When 1 ratings container is killed
    Then ratings recovers within 30 seconds
    When 1 ratings container is killed
    Then ratings recovers within 30 seconds
    When 1 ratings container is killed
    Then ratings recovers within 40 seconds
    When 1 ratings container is killed
    Then ratings recovers within 60 seconds
    When 1 ratings container is killed
    Then ratings recovers within 2 minutes
    When 1 ratings container is killed
    Then auto-recovery acts by crash-loop on ratings within 30 seconds
    And ratings recovers within 2 minutes
    And auto-recovery does nothing else
