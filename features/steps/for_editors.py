"""The steps as an editor's Gherkin plugin finds them. Nothing imports this file.

Written by `aftershock steps --editor`; write it anew when there are new steps.
"""

# ruff: noqa
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_bdd import given, step, then, when

    def word(*, name: str, regexp: str) -> Any: ...

    word(name="alert", regexp="[A-Za-z0-9_]+")
    word(name="limit", regexp=".+?")
    word(name="workload", regexp=".+?")
    word(name="receiver", regexp=".+?")
    word(name="playbook", regexp=".+?")
    word(name="percent", regexp="[-+]?[0-9]+(?:[.][0-9]+)?")
    word(name="time", regexp=".+?")
    word(name="image", regexp=".+?")
    word(name="value", regexp=".+?")
    word(name="variable", regexp="[A-Za-z0-9_]+")
    word(name="experiment", regexp=".+?")
    word(name="engine", regexp=".+?")
    word(name="amount", regexp="[0-9]+(?:[.][0-9]+)?(?: ?%)?(?: of the)?")
    word(name="delay", regexp=".+?")
    word(name="jitter", regexp=".+?")
    word(name="peers", regexp=".+?")
    word(name="name", regexp=".+?")
    word(name="node", regexp="an? [A-Za-z0-9_-]+ node|the node that holds most of [^ ]+|node [^ ]+")
    word(name="burners", regexp="[-+]?[0-9]+")
    word(name="path", regexp=".+?")
    word(name="value_2", regexp="[-+]?[0-9]+(?:[.][0-9]+)?")
    word(name="replicas", regexp="[-+]?[0-9]+")
    word(name="trouble", regexp=".+?")
    word(name="users", regexp="-?[0-9]+")
    word(name="service", regexp=".+?")
    word(name="rate", regexp="-?[0-9.]+")
    word(name="demand", regexp="[^ ]+ .*(?:requests/s|users?|requests/s each|workers?)")
    word(name="percent_2", regexp="p[0-9]+(?:[.][0-9]+)?")
    word(name="phase", regexp="before the fault|during the fault|after the fault|throughout")
    word(name="rate_2", regexp="[-+]?[0-9]+(?:[.][0-9]+)?")
    word(name="addon", regexp=".+?")
    word(name="namespace", regexp=".+?")

    @then("{alert} fires within {limit}")
    def alerts_alert_fires() -> None:
        """Hold that the alert fires, counted from the fault, by Prometheus' own samples.

        steps/alerts.py
        """

    @then("{alert} resolves within {limit}")
    def alerts_alert_resolves() -> None:
        """Hold that the alert stops firing, counted from when it fired.

        steps/alerts.py
        """

    @then("{alert} fires for {workload} within {limit}")
    def alerts_alert_fires_for() -> None:
        """Hold that the alert fires for that workload, which need not be what the fault hit.

        steps/alerts.py
        """

    @then("{alert} resolves for {workload} within {limit}")
    def alerts_alert_resolves_for() -> None:
        """Hold that the alert stops firing for that workload, counted from when it fired.

        steps/alerts.py
        """

    @then("{alert} reaches the {receiver} receiver within {limit}")
    def alerts_alert_reaches() -> None:
        """Hold that the receiver is told of the alert, counted from its firing.

        steps/alerts.py
        """

    @then("the {receiver} receiver hears within {limit} that {alert} is over")
    def alerts_receiver_hears() -> None:
        """Hold that the receiver is told of the alert's end, counted from it.

        steps/alerts.py
        """

    @then("{alert} is held back")
    def alerts_alert_is_held_back() -> None:
        """Hold that the alert fires and nobody is told, because another says it already.

        steps/alerts.py
        """

    @then("no other alert fires")
    @then("no alert fires")
    def alerts_nothing_else_fires() -> None:
        """Hold that no alert fired that no step has named, from the start of the scenario until now.

        steps/alerts.py
        """

    @given("auto-recovery may act")
    def autorecovery_autorecovery_may_act() -> None:
        """Let it, until the scenario ends.

        steps/autorecovery.py
        """

    @given("auto-recovery only says what it would do")
    def autorecovery_autorecovery_only_says() -> None:
        """Have it change nothing.

        steps/autorecovery.py
        """

    @given("{workload} has opted out of auto-recovery")
    def autorecovery_autorecovery_leaves() -> None:
        """Have it leave that deployment alone, until the scenario ends.

        steps/autorecovery.py
        """

    @then("auto-recovery acts by {playbook} on {workload} within {limit}")
    def autorecovery_autorecovery_acts() -> None:
        """Hold that it repaired something of that workload, and by which playbook.

        steps/autorecovery.py
        """

    @then("auto-recovery empties the node by {playbook} within {limit}")
    def autorecovery_autorecovery_empties() -> None:
        """Hold that it has cordoned and drained the node that the last fault was about.

        steps/autorecovery.py
        """

    @then("auto-recovery takes back what {playbook} did within {limit}")
    def autorecovery_autorecovery_takes_back() -> None:
        """Hold that it did, once the trouble was over.

        steps/autorecovery.py
        """

    @then("auto-recovery counts at least {percent} % of the pods as running or completed")
    def autorecovery_autorecovery_counts_well() -> None:
        """Hold its own summary of all pods against that.

        steps/autorecovery.py
        """

    @then("auto-recovery says what {playbook} would do within {limit}")
    def autorecovery_autorecovery_would_act() -> None:
        """Hold that it saw the trouble, said what it would do, and did nothing.

        steps/autorecovery.py
        """

    @then("auto-recovery does nothing else")
    @then("auto-recovery does nothing")
    def autorecovery_autorecovery_does_nothing_else() -> None:
        """Hold that it did no more than the steps before this one named.

        steps/autorecovery.py
        """

    @given("the disruption budget of {workload} allows no disruption")
    def budgets_budget_allows_none() -> None:
        """Have it ask for every pod, until the scenario ends.

        steps/budgets.py
        """

    @then("no {workload} pod can be evicted")
    def budgets_no_pod_can_be_evicted() -> None:
        """Hold that the API refuses to evict each of them.

        steps/budgets.py
        """

    @then("the HPA of {workload} scales down past its disruption budget")
    def budgets_hpa_passes_the_budget() -> None:
        """Hold that pods were taken away while the budget allowed no disruption.

        steps/budgets.py
        """

    @when("{workload} is scaled to zero for {time}")
    def deployments_is_scaled_to_zero() -> None:
        """Ask for no pods of the workload, and prove that it has none.

        steps/deployments.py
        """

    @when("{workload} is given an image that does not exist for {time}")
    def deployments_is_given_no_image() -> None:
        """Roll out an image that nobody can pull, and prove that a new pod waits for it.

        steps/deployments.py
        """

    @when("{workload} is given the bad image {image} for {time}")
    def deployments_is_given_image() -> None:
        """Roll out that image, and prove that a new pod waits for it in vain.

        steps/deployments.py
        """

    @when("{workload} is given a command that does not exist for {time}")
    def deployments_is_given_no_command() -> None:
        """Roll out a command that is not in the image, and prove that a new container ended with an error.

        steps/deployments.py
        """

    @when("{workload} is given the bad value {value} for {variable} for {time}")
    def deployments_is_configured() -> None:
        """Roll out that value of a variable, and prove that a new container ended with an error.

        steps/deployments.py
        """

    @when("the readiness probe of new {workload} pods fails for {time}")
    def deployments_readiness_fails() -> None:
        """Roll out a readiness probe that fails, and prove that a new pod runs and is not Ready.

        steps/deployments.py
        """

    @when("the experiment {experiment} runs")
    def experiments_experiment_runs() -> None:
        """Run a Chaos Toolkit experiment to its end; its steady state must hold before, during and after.

        steps/experiments.py
        """

    @when("the Litmus engine {engine} runs")
    def experiments_litmus_engine_runs() -> None:
        """Run a ChaosEngine to its end with our own faults; its probes must pass.

        steps/experiments.py
        """

    @when("the fault is over")
    def faults_faults_are_over() -> None:
        """Wait until the time of every fault that lasts has passed, and prove that nothing is left of it.

        steps/faults.py
        """

    @when("the fault is taken back")
    def faults_faults_are_taken_back() -> None:
        """Take back every fault that lasts now, and prove that nothing is left of it.

        steps/faults.py
        """

    @when("the network of {amount} {workload} pod is slower by {delay} for {time}")
    @when("the network of {amount} {workload} pods is slower by {delay} for {time}")
    def network_network_is_slower() -> None:
        """Delay every round trip with the pods, and prove it from a peer.

        steps/network.py
        """

    @when("the network of {amount} {workload} pod jitters by {jitter} around {delay} for {time}")
    @when("the network of {amount} {workload} pods jitters by {jitter} around {delay} for {time}")
    def network_network_jitters() -> None:
        """Delay every round trip with the pods by a time that varies, and prove it from a peer.

        steps/network.py
        """

    @when("the network of {amount} {workload} pod loses {percent} % of its packets for {time}")
    @when("the network of {amount} {workload} pods loses {percent} % of its packets for {time}")
    def network_network_loses() -> None:
        """Drop that share of what the pods are sent, and prove it from a peer.

        steps/network.py
        """

    @when("{amount} {workload} pod is cut off from the network for {time}")
    @when("{amount} {workload} pods are cut off from the network for {time}")
    def network_pods_are_cut_off() -> None:
        """Cut the pods off from everybody but their node, whose probes go on; prove it from a peer.

        steps/network.py
        """

    @when("{amount} {workload} pod is cut off from the network and its node for {time}")
    @when("{amount} {workload} pods are cut off from the network and their nodes for {time}")
    def network_pods_are_cut_off_from_everything() -> None:
        """Cut the pods off from everybody, the probes of their node included; prove it from a peer.

        steps/network.py
        """

    @when("{amount} {workload} pod and {peers} cannot reach each other for {time}")
    @when("{amount} {workload} pods and {peers} cannot reach each other for {time}")
    def network_pods_are_cut_off_from() -> None:
        """Cut the pods off from another workload and its services; prove it from within the pods' network.

        steps/network.py
        """

    @when("every connection of {amount} {workload} pod is reset for {time}")
    @when("every connection of {amount} {workload} pods is reset for {time}")
    def network_connections_are_reset() -> None:
        """Reset all TCP with the pods, and prove it from a peer.

        steps/network.py
        """

    @when("{amount} {workload} pod is refused the name {name} for {time}")
    @when("{amount} {workload} pods are refused the name {name} for {time}")
    def network_name_is_refused() -> None:
        """Have the pods' questions for a name refused, and prove it in their network.

        steps/network.py
        """

    @when("{amount} {workload} pod waits {delay} for the name {name} for {time}")
    @when("{amount} {workload} pods wait {delay} for the name {name} for {time}")
    def network_name_comes_late() -> None:
        """Have the pods' questions for a name answered late, and prove it in their network.

        steps/network.py
        """

    @when("{amount} {workload} pod is misled about the name {name} for {time}")
    @when("{amount} {workload} pods are misled about the name {name} for {time}")
    def network_name_is_wrong() -> None:
        """Have the pods' questions for a name answered with nobody's address, and prove it in their network.

        steps/network.py
        """

    @when("the API server cannot be reached from {node} for {time}")
    def network_api_server_cannot_be_reached() -> None:
        """Cut a node and its pods off from the API server, and prove it by a pod there and its heartbeat.

        steps/network.py
        """

    @then("the drained node was emptied")
    def nodes_node_was_emptied() -> None:
        """Hold that the node held pods and then none that can be moved.

        steps/nodes.py
        """

    @then("every evicted pod is replaced within {limit}")
    def nodes_evicted_pods_are_replaced() -> None:
        """Hold that each evicted pod had a Ready replacement of the same owner, counted from its eviction.

        steps/nodes.py
        """

    @then("the drained node is schedulable again")
    def nodes_node_is_schedulable() -> None:
        """Hold that the node is Ready and takes pods.

        steps/nodes.py
        """

    @then("the disruption budget of {workload} is respected throughout")
    def nodes_budget_is_respected() -> None:
        """Hold that there were never fewer Ready pods than the budget demands.

        steps/nodes.py
        """

    @when("{amount} {workload} pod is deleted")
    @when("{amount} {workload} pods are deleted")
    def pods_pods_are_deleted() -> None:
        """Delete pods, and prove by their UIDs that they are gone.

        steps/pods.py
        """

    @when("{amount} {workload} pod is evicted")
    @when("{amount} {workload} pods are evicted")
    def pods_pods_are_evicted() -> None:
        """Evict pods as their disruption budget allows, and prove by their UIDs that they are gone.

        steps/pods.py
        """

    @when("{node} is paused for {time}")
    def power_node_is_paused() -> None:
        """Freeze a node, and prove that the control plane counts it as lost.

        steps/power.py
        """

    @when("{node} is switched off for {time}")
    def power_node_is_switched_off() -> None:
        """Cut a node's power, and prove that the control plane counts it as lost.

        steps/power.py
        """

    @when("{node} is rebooted")
    def power_node_is_rebooted() -> None:
        """Reboot a node, and prove that its kubelet runs in another boot.

        steps/power.py
        """

    @when("{node} is terminated")
    def power_node_is_terminated() -> None:
        """Destroy a node's machine, and prove that the control plane counts it as lost.

        steps/power.py
        """

    @when("{amount} {workload} container is killed")
    @when("{amount} {workload} containers are killed")
    def resources_containers_are_killed() -> None:
        """Kill the first process of a container each of some pods, and prove how that container ended.

        steps/resources.py
        """

    @when("{amount} {workload} container is asked to end")
    @when("{amount} {workload} containers are asked to end")
    def resources_containers_are_asked_to_end() -> None:
        """Send SIGTERM to the first process of a container each of some pods, and prove that it ended.

        steps/resources.py
        """

    @when("{amount} {workload} pod holds {percent} % of its memory limit for {time}")
    @when("{amount} {workload} pods hold {percent} % of their memory limit for {time}")
    def resources_pods_hold_memory() -> None:
        """Hold pods at a share of their memory limit, and prove it by the kubelet's figures.

        steps/resources.py
        """

    @when("{burners} processes hog the CPU of {amount} {workload} pod for {time}")
    @when("{burners} processes hog the CPU of {amount} {workload} pods for {time}")
    def resources_cpu_of_pods_is_hogged() -> None:
        """Burn CPU time within the pods' own limits, and prove it by the kubelet's figures.

        steps/resources.py
        """

    @when("the volume at {path} of {amount} {workload} pod is filled to {percent} % for {time}")
    @when("the volume at {path} of {amount} {workload} pods is filled to {percent} % for {time}")
    def resources_volume_is_filled() -> None:
        """Fill a volume that has a size of its own, and prove it by the file system's own figures.

        steps/resources.py
        """

    @when("{percent} % of the CPU of {node} is taken for {time}")
    def resources_cpu_of_node_is_taken() -> None:
        """Burn a share of a node's CPU time at the lowest weight, and prove it by the kubelet's figures.

        steps/resources.py
        """

    @when("the memory of {node} runs short for {time}")
    def resources_memory_of_node_runs_short() -> None:
        """Take memory until the kubelet's threshold is passed, and prove it by the node's condition.

        steps/resources.py
        """

    @when("the kubelet of {node} is stopped for {time}")
    def resources_kubelet_is_stopped() -> None:
        """Stop a node's kubelet, and prove that the control plane has given the node up.

        steps/resources.py
        """

    @given("the HPA of {workload} is at rest")
    def scaling_hpa_is_at_rest() -> None:
        """Wait until the HPA has metrics and its workload is at the minimum of replicas.

        steps/scaling.py
        """

    @given("the HPA of {workload} aims at {value_2} requests per second per pod")
    def scaling_hpa_aims_at() -> None:
        """Set the target of the metric that its pods export, until the scenario ends.

        steps/scaling.py
        """

    @then("the CPU of {workload} passes {percent} % of its requests")
    def scaling_cpu_passes() -> None:
        """Hold, from the recorded pod metrics, that utilisation passes that mark while the load lasts.

        steps/scaling.py
        """

    @then("the HPA scales {workload} to what the formula gives")
    def scaling_hpa_follows_formula() -> None:
        """Hold every resize under load against the formula, computed from the metrics that we recorded.

        steps/scaling.py
        """

    @then("every added replica of {workload} serves within {limit}")
    def scaling_added_replicas_serve() -> None:
        """Hold that each new pod was Ready, routed to, and answered requests.

        steps/scaling.py
        """

    @then("the HPA of {workload} scales to at least {replicas} within {limit}")
    def scaling_hpa_scales_to() -> None:
        """Hold that so many replicas were asked for, counted from the load's first request.

        steps/scaling.py
        """

    @then("the HPA of {workload} does not go above {replicas}")
    def scaling_hpa_stays_at_most() -> None:
        """Hold that never more replicas were asked for since the load began.

        steps/scaling.py
        """

    @then("the HPA of {workload} returns to {replicas} within {limit}")
    def scaling_hpa_returns_to() -> None:
        """Hold that so few are asked for again, counted from the end of the load.

        steps/scaling.py
        """

    @then("the HPA of {workload} does not flap")
    def scaling_hpa_does_not_flap() -> None:
        """Hold that no resize was turned back within the stabilisation window.

        steps/scaling.py
        """

    @then("every stage of scaling {workload} is accounted for")
    def scaling_scaling_is_accounted_for() -> None:
        """Hold that each stage from load to a serving replica was seen, and that they sum to the whole.

        steps/scaling.py
        """

    @then("the HPA of {workload} is seen to be {trouble} within {limit}")
    def scaling_hpa_is_in_trouble() -> None:
        """Hold that what keeps the HPA from its work shows as what it is.

        steps/scaling.py
        """

    @given("{users} users load {service} at {rate} requests per second each for {time}")
    @when("{users} users load {service} at {rate} requests per second each for {time}")
    def traffic_users_load_service() -> None:
        """Start the locustfile of that name against the service of that name; goes on while later steps run.

        steps/traffic.py
        """

    @given("{service} gets {demand} for {time}")
    @when("{service} gets {demand} for {time}")
    def traffic_service_gets() -> None:
        """Start that load, at a rate whatever the service does or by users who wait for their answers.

        steps/traffic.py
        """

    @when("the load goes on for {time}")
    def traffic_load_goes_on() -> None:
        """Let that time pass under load, so that there is something to compare with.

        steps/traffic.py
        """

    @given("a client watches {workload}")
    def traffic_client_watches() -> None:
        """Ask the service many times a second, each time on a new connection, until the scenario ends.

        steps/traffic.py
        """

    @then("{workload} answers throughout")
    def traffic_service_answers() -> None:
        """Hold that not one of the watching client's requests failed.

        steps/traffic.py
        """

    @then("{percent_2} of {workload} {phase} stays below {limit}")
    def traffic_latency_stays_below() -> None:
        """Hold that so many of the load's requests in that phase were answered in time, since they were due.

        steps/traffic.py
        """

    @then("fewer than {percent} % of the requests to {workload} fail {phase}")
    def traffic_few_requests_fail() -> None:
        """Hold the share of the load's requests in that phase that failed.

        steps/traffic.py
        """

    @then("^(?:((?:.+?)) answers at least ((?:[-+]?[0-9]+(?:[.][0-9]+)?)) requests[/]s ((?:before the fault|during the fault|after the fault|throughout)))$")
    def traffic_answers_at_least() -> None:
        """Hold how many of the load's requests in that phase were answered well, per second.

        steps/traffic.py
        """

    @then("{workload} spends at most {percent} % of the month's error budget")
    def traffic_service_spends() -> None:
        """Hold what the watching client lost, in time and in requests, against the service's objective.

        steps/traffic.py
        """

    @given("the addon {addon} is deployed")
    def vertical_addon_is_deployed() -> None:
        """Go on only where it is; say how to deploy it where it is not.

        steps/vertical.py
        """

    @given("the pods of {workload} ask for what its template says")
    def vertical_pods_ask_as_written() -> None:
        """Replace pods that an autoscaler gave other requests.

        steps/vertical.py
        """

    @when("the vertical autoscaler of {workload} may evict")
    def vertical_vertical_autoscaler_may_evict() -> None:
        """Let it act on running pods, until the scenario ends.

        steps/vertical.py
        """

    @then("the vertical autoscaler recommends requests for {workload} within {limit}")
    def vertical_vertical_autoscaler_recommends() -> None:
        """Hold that it has a recommendation.

        steps/vertical.py
        """

    @then("the vertical autoscaler replaces a pod of {workload} within {limit}")
    def vertical_vertical_autoscaler_replaces() -> None:
        """Hold that it evicted a pod, and that the new one asks for what was recommended.

        steps/vertical.py
        """

    @given("every workload of {namespace} is steady")
    def workloads_workloads_are_steady() -> None:
        """Wait until every deployment of the namespace is as specified; nothing is broken before that.

        steps/workloads.py
        """

    @when("{amount} {workload} pod runs out of memory")
    @when("{amount} {workload} pods run out of memory")
    def workloads_pods_run_out_of_memory() -> None:
        """Have the kernel kill the application for want of memory, and prove that it did.

        steps/workloads.py
        """

    @then("{workload} recovers within {limit}")
    def workloads_workload_recovers() -> None:
        """Hold that what was broken is whole again, counted from its first degradation.

        steps/workloads.py
        """
