@network
Feature: The product page goes on when names fail

  Background:
    Given every workload of bookinfo is steady
    And a client watches productpage

  Scenario: The name of the ratings is refused
    When 1 reviews-v3 pod is refused the name ratings for 15 seconds
    And the fault is over
    Then productpage answers throughout
    And no alert fires

  Scenario: The name of the ratings comes late
    When 1 reviews-v3 pod waits 2 seconds for the name ratings for 20 seconds
    And the fault is taken back
    Then no alert fires

  Scenario: The name of the ratings leads nowhere
    When 1 reviews-v3 pod is misled about the name ratings for 15 seconds
    And the fault is over
    Then no alert fires
