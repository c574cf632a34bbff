@recovery @whole
Feature: A workload that was scaled to zero by mistake serves again once it is scaled back

  Scenario: sample-app is scaled to zero and back
    Given every workload of demo is steady
    When sample-app is scaled to zero for 60 seconds
    And the fault is taken back
    Then sample-app recovers within 60 seconds
