@scaling @load
Feature: The HPA gives nginx-web the replicas that its load asks for

  Scenario: A hundred users bring nginx-web above half of its CPU
    Given every workload of demo is steady
    And the HPA of nginx-web is at rest
    When 100 users load nginx-web at 2 requests per second each for 90 seconds
    Then the CPU of nginx-web passes 50 % of its requests
    And the HPA of nginx-web scales to at least 5 within 70 seconds
    And the HPA scales nginx-web to what the formula gives
    And the HPA of nginx-web does not go above 10
    And the HPA of nginx-web does not flap
    And every stage of scaling nginx-web is accounted for
    And every added replica of nginx-web serves within 30 seconds
    And no alert fires
