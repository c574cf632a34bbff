@alerting @node @whole
Feature: A node that does not answer is told once, to those who are on call

  Scenario: A worker stands still for two and a half minutes
    Given every workload of demo is steady
    When the node that holds most of nginx-web is paused for 150 seconds
    Then NodeDown fires within 40 seconds
    And NodeDown reaches the critical receiver within 10 seconds
    And NodeNotReady fires within 2 minutes
    And NodeNotReady reaches the critical receiver within 10 seconds
    And PodNotReady fires within 150 seconds
    When the fault is taken back
    Then nginx-web recovers within 60 seconds
    And NodeDown resolves within 4 minutes
    And the critical receiver hears within 20 seconds that NodeDown is over
    And NodeNotReady resolves within 4 minutes
    And PodNotReady resolves within 4 minutes
    And no other alert fires
