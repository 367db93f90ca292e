// Package layout holds the names and addresses that the parts of the cluster
// must agree on. They exist only inside the cluster's own network namespace,
// so two clusters on one machine use the same ones without meeting.
package layout

const (
	NodeName = "node-1"
	// NodeIP sits on the loopback interface. It is not a 127.x address, because
	// the Endpoints of the `kubernetes` Service refuse those.
	NodeIP      = "10.240.0.1"
	PodNet      = "10.244.0.0/16"
	ServiceNet  = "10.96.0.0/16"
	APIPort     = "6443"
	APIAddress  = NodeIP + ":" + APIPort // where the API server listens
	APIService  = "10.96.0.1"            // the first address of ServiceNet
	GatewayPort = "10.96.0.80:80"        // Service traefik.gateway
	Prometheus  = "10.96.0.90:9090"      // Service prometheus.monitoring

	// InsideDir is where the state directory is seen inside. It is short,
	// because the path of a Unix socket is at most 108 bytes long.
	InsideDir = "/run/cluster"

	// Names of the images that the add-ons use; the tools folder has their programs.
	TraefikImage    = "traefik:v3.7.15"
	PrometheusImage = "prom/prometheus:v3.16.0"
)
