@scaling @load @slow
Feature: A disruption budget limits evictions, and not the HPA

  Scenario: The HPA takes pods away that nobody may evict
    Given every workload of demo is steady
    And the HPA of nginx-web is at rest
    And the disruption budget of nginx-web allows no disruption
    When 100 users load nginx-web at 2 requests per second each for 60 seconds
    Then the HPA of nginx-web scales to at least 5 within 2 minutes
    And no nginx-web pod can be evicted
    And the HPA of nginx-web returns to 3 within 8 minutes
    And the HPA of nginx-web scales down past its disruption budget
