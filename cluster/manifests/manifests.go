// Package manifests holds the add-ons that every cluster gets.
package manifests

import "embed"

//go:embed *.yaml
var Files embed.FS
