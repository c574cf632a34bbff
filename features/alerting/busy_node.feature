@alerting @node
Feature: A node without CPU to spare is a warning, and nobody is woken

  Scenario: Nearly all of a worker's CPU is taken
    Given every workload of demo is steady
    When 97 % of the CPU of the node that holds most of nginx-web is taken for 150 seconds
    Then HighCPUSaturation fires within 2 minutes
    And HighCPUSaturation reaches the warning receiver within 10 seconds
    And HighCpuUsage fires within 150 seconds
    And HighCpuUsage reaches the warning receiver within 10 seconds
    When the fault is over
    Then HighCPUSaturation resolves within 3 minutes
    And HighCpuUsage resolves within 3 minutes
    And no other alert fires
