@pressure @node
Feature: A node that runs short of memory sheds what it can spare

  Scenario: A worker is brought past its kubelet's eviction threshold
    Given every workload of demo is steady
    And a client watches nginx-web
    When the memory of the node that holds most of nginx-web runs short for 60 seconds
    And the fault is over
    Then nginx-web answers throughout
