@recovery @alerting @node @whole
Feature: A node that is lost is noticed, and what it carried is back when the node is

  Scenario: A worker stands still
    Given every workload of demo is steady
    When the node that holds most of nginx-web is paused for 120 seconds
    Then NodeNotReady fires within 2 minutes
    When the fault is taken back
    Then nginx-web recovers within 60 seconds

  Scenario: A worker is switched off
    Given every workload of demo is steady
    When the node that holds most of sample-app is switched off for 120 seconds
    And the fault is taken back
    Then sample-app recovers within 90 seconds
