@pressure @node
Feature: A busy node still serves those who ask for their share

  Scenario: Two fifths of a worker's cores are taken at the lowest weight
    Given every workload of demo is steady
    And a client watches nginx-web
    When 40 % of the CPU of the node that holds most of nginx-web is taken for 40 seconds
    And the fault is over
    Then nginx-web answers throughout
    And no alert fires
