@recovery @protected
Feature: What the cluster itself depends on comes back when it is killed

  Scenario: One of the two name servers
    When 1 kube-system/coredns pod is deleted
    Then kube-system/coredns recovers within 60 seconds

  Scenario: Prometheus
    When 1 monitoring/prometheus-aftershock pod is deleted
    Then monitoring/prometheus-aftershock recovers within 2 minutes

  Scenario: Alertmanager
    When 1 monitoring/alertmanager-aftershock pod is deleted
    Then monitoring/alertmanager-aftershock recovers within 2 minutes
