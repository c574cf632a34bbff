@load
Feature: Load from inside the cluster

  Scenario: Two workers of Locust load nginx-web
    Given every workload of demo is steady
    When nginx-web gets 100 requests/s from 2 workers for 30 seconds
    Then nginx-web answers at least 99 requests/s throughout
    And p95 of nginx-web throughout stays below 1 second
    And no alert fires
