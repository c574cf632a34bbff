@alerting @node
Feature: A node without memory to spare is a warning, and its kubelet says so too

  Scenario: The memory of a worker is used up
    Given every workload of demo is steady
    When the memory of the node that holds most of nginx-web runs short for 90 seconds
    Then NodeMemoryPressure fires within 60 seconds
    And NodeMemoryPressure reaches the warning receiver within 10 seconds
    And HighMemorySaturation fires within 60 seconds
    And HighMemorySaturation reaches the warning receiver within 10 seconds
    And HighMemoryUsage fires within 80 seconds
    And HighMemoryUsage reaches the warning receiver within 10 seconds
    When the fault is over
    Then NodeMemoryPressure resolves within 3 minutes
    And HighMemorySaturation resolves within 3 minutes
    And HighMemoryUsage resolves within 3 minutes
