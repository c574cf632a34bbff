@scaling @load @addon @slow
Feature: The HPA of sample-app goes by requests per second too

  Scenario: Users ask more of each pod than its HPA allows
    Given the addon custom-metrics is deployed
    And every workload of demo is steady
    And the HPA of sample-app is at rest
    And the HPA of sample-app aims at 30 requests per second per pod
    When 40 users load sample-app at 5 requests per second each for 90 seconds
    Then the HPA scales sample-app to what the formula gives
    And the HPA of sample-app does not go above 20
