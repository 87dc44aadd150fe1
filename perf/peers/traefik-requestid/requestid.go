// SPDX-License-Identifier: Apache-2.0

// Package requestid is a Traefik plugin: a request without x-request-id -> the same with a random one. Traefik has no
// middleware of its own for it, so this is how its users do it; Traefik interprets plugins, which is part of what they pay.
package requestid

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
)

const headerName = "X-Request-Id"

// Config is empty: there is nothing to set.
type Config struct{}

// CreateConfig is called by Traefik for the defaults.
func CreateConfig() *Config {
	return &Config{}
}

type middleware struct {
	next http.Handler
}

// New is called by Traefik for each router.
func New(_ context.Context, next http.Handler, _ *Config, _ string) (http.Handler, error) {
	return &middleware{next: next}, nil
}

func (m *middleware) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	if request.Header.Get(headerName) == "" {
		id := make([]byte, 16)
		if _, err := rand.Read(id); err == nil {
			request.Header.Set(headerName, hex.EncodeToString(id))
		}
	}
	m.next.ServeHTTP(response, request)
}
