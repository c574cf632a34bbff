@recovery
Feature: What teams have written as experiments runs here, under the same guards and with proof

  Scenario: A Chaos Toolkit experiment has a reviews pod run out of memory
    Given every workload of bookinfo is steady
    When the experiment oom-reviews runs
    Then reviews recovers within 30 seconds
    And PodOOMKilled fires within 30 seconds
    And no other alert fires

  Scenario: A Litmus engine deletes nginx-web pods again and again
    Given every workload of demo is steady
    When the Litmus engine pod-delete-short runs
    Then no alert fires

  Scenario: A Litmus engine makes half of the sample-app pods slow
    Given every workload of demo is steady
    When the Litmus engine pod-network-latency-short runs
    Then no alert fires

  Scenario: A Litmus engine takes the CPU time of a quarter of the sample-app pods
    Given every workload of demo is steady
    When the Litmus engine pod-cpu-hog-short runs
    Then no alert fires
