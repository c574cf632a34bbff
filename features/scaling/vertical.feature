@scaling @addon @slow
Feature: The Vertical Pod Autoscaler corrects what pods ask for

  Scenario: A workload that asks for too little
    Given the addon vpa is deployed
    And the pods of frugal ask for what its template says
    When the vertical autoscaler of frugal may evict
    Then the vertical autoscaler recommends requests for frugal within 4 minutes
    And the vertical autoscaler replaces a pod of frugal within 4 minutes
