@load @recovery
Feature: Users are answered while a pod is replaced

  Scenario: nginx-web loses a pod at sixty requests a second
    Given every workload of demo is steady
    When nginx-web gets 60 requests/s for 40 seconds
    And the load goes on for 10 seconds
    And 1 nginx-web pod is deleted
    Then nginx-web recovers within 30 seconds
    And p95 of nginx-web before the fault stays below 200 ms
    And p95 of nginx-web during the fault stays below 1 second
    And fewer than 1 % of the requests to nginx-web fail throughout
    And nginx-web answers at least 59 requests/s throughout
    And no alert fires
