// Command redis is a Redis server in memory, as Argo CD's own tests have it.
package main

import (
	"log"
	"time"

	"github.com/alicebob/miniredis/v2"
)

func main() {
	server := miniredis.NewMiniRedis()
	if err := server.StartAddr(":6379"); err != nil {
		log.Fatal(err)
	}
	log.Printf("listening on %s", server.Addr())
	// It has a clock of its own, by which keys expire.
	for range time.Tick(time.Second) {
		server.FastForward(time.Second)
	}
}
