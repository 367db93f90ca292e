"""The Kubernetes API of the operator: BanditDeployment, from which the CRD is generated.

No I/O, no clock, no Kubernetes client here: objects come in and go out as plain mappings.
"""
