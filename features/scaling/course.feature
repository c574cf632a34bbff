@scaling @load @slow
Feature: The course of nginx-web's replicas under a minute of load

  Claimed: 3 replicas at 0 s, 5 at 40 s, 6 at 60 s, and from 370 s on gradually back to 3. Under profile
  nightly, which has the windows of production, the report shows what happens instead, and why.

  Scenario: A minute of a hundred users
    Given every workload of demo is steady
    And the HPA of nginx-web is at rest
    When 100 users load nginx-web at 2 requests per second each for 60 seconds
    Then the HPA of nginx-web scales to at least 5 within 2 minutes
    And every stage of scaling nginx-web is accounted for
    And every added replica of nginx-web serves within 30 seconds
    And the HPA of nginx-web returns to 3 within 10 minutes
    And the HPA scales nginx-web to what the formula gives
    And the HPA of nginx-web does not go above 10
    And the HPA of nginx-web does not flap
