@maintenance @node @load
Feature: A worker can be taken out for maintenance without anybody noticing

  Scenario: The worker that holds most of nginx-web is drained under load
    Given every workload of demo is steady
    And a client watches nginx-web
    And 20 users load nginx-web at 1 requests per second each for 60 seconds
    When the experiment drain-worker runs
    Then the drained node was emptied
    And every evicted pod is replaced within 30 seconds
    And the disruption budget of nginx-web is respected throughout
    And nginx-web answers throughout
    And the drained node is schedulable again
    And no alert fires
