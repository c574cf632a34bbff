@autorecovery @addon @node
Feature: A node that runs out of memory is emptied, and takes pods again when it is well

  Scenario: A worker whose memory runs short has its pods moved
    Given every workload of demo is steady
    And auto-recovery may act
    When the memory of the node that holds most of nginx-web runs short for 90 seconds
    Then auto-recovery empties the node by memory-pressure within 2 minutes
    And auto-recovery takes back what memory-pressure did within 5 minutes
    And auto-recovery does nothing else
