#!/usr/bin/env bash
# golang.org/x/oauth2 0.3.0 (Go, as Debian 12 has it), the library of many programs in Go, with an `Endpoint` that
# leaves `AuthStyle` as it is, so that the library finds out where the server wants the client's name.
#
# One would guess: it tries the other place where the server refuses the client, which is 401 or `invalid_client`.
#
# Seen on 2026-11-28, Go 1.19: any failure of the first request makes it send the same code or refresh token again in the
# other way: status 503, and an answer that was lost, too. The server has spent the token then: one that takes a used
# refresh token for a stolen one ends the login (RFC 9700 section 4.14.2), and what the program reports is the refusal of
# the second request, `invalid_grant`. It happens until a request has succeeded once in this process, so to a command line
# that is started for each token it may happen at every refresh. With `AuthStyle` set there is one request.
#
# Needs Debian 12 on x86-64 with apt-get. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
mkdir -p "$temp/packages/partial" "$temp/root"
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" golang-1.19-go=1.19.8-2 golang-1.19-src=1.19.8-2 \
    golang-golang-x-oauth2-dev=0.3.0-1 golang-golang-x-net-dev=1:0.7.0+dfsg-1 \
    >"$temp/said" 2>&1 || { cat "$temp/said" >&2; exit 1; }
for package in "$temp"/packages/*.deb; do
    dpkg-deb --extract "$package" "$temp/root"
done

cat >"$temp/finding.go" <<'GO'
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"golang.org/x/oauth2"
)

// authorizationServer rotates refresh tokens, and ends the login of one that comes a second time.
type authorizationServer struct {
	failure string
	live    string
	seen    []string
}

func (server *authorizationServer) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	body, _ := io.ReadAll(request.Body)
	form, _ := url.ParseQuery(string(body))
	place := "body"
	if _, _, isBasic := request.BasicAuth(); isBasic {
		place = "header"
	}
	answer.Header().Set("Content-Type", "application/json")
	failure := server.failure
	server.failure = ""
	switch {
	case failure == "503":
		server.seen = append(server.seen, place+" 503")
		answer.WriteHeader(503)
		fmt.Fprint(answer, `{"error":"temporarily_unavailable"}`)
	case form.Get("refresh_token") != server.live:
		server.seen = append(server.seen, place+" ended")
		server.live = "none"
		answer.WriteHeader(400)
		fmt.Fprint(answer, `{"error":"invalid_grant"}`)
	default:
		server.seen = append(server.seen, place+" refreshed")
		server.live = "two"
		if failure == "lost" {
			connection, _, _ := answer.(http.Hijacker).Hijack()
			connection.Close()
			return
		}
		fmt.Fprint(answer, `{"access_token":"access","token_type":"Bearer","expires_in":3600,"refresh_token":"two"}`)
	}
}

// check refreshes once as a new process would, and compares what the server has seen.
func check(failure string, style oauth2.AuthStyle, wanted string) {
	state := &authorizationServer{failure: failure, live: "one"}
	server := httptest.NewServer(state)
	defer server.Close()
	endpoint := oauth2.Endpoint{AuthURL: server.URL, TokenURL: server.URL + "/token", AuthStyle: style}
	config := oauth2.Config{ClientID: "client", ClientSecret: "secret", Endpoint: endpoint}
	_, err := config.TokenSource(context.Background(), &oauth2.Token{RefreshToken: "one"}).Token()
	seen := strings.Join(state.seen, ", ")
	said := strings.ReplaceAll(strings.ReplaceAll(fmt.Sprint(err), "\n", ": "), server.URL, "")
	fmt.Printf("%q, AuthStyle %d: %s; %s\n", failure, style, seen, said)
	if seen != wanted {
		log.Fatalf("expected %s", wanted)
	}
}

func main() {
	check("", oauth2.AuthStyleAutoDetect, "header refreshed")
	check("503", oauth2.AuthStyleAutoDetect, "header 503, body refreshed")
	check("lost", oauth2.AuthStyleAutoDetect, "header refreshed, body ended")
	check("lost", oauth2.AuthStyleInHeader, "header refreshed")
}
GO
# No modules: all sources are in Debian's packages.
env GO111MODULE=off GOFLAGS= GOROOT="$temp/root/usr/lib/go-1.19" GOPATH="$temp/root/usr/share/gocode" GOCACHE="$temp/cache" \
    CGO_ENABLED=0 "$temp/root/usr/lib/go-1.19/bin/go" run "$temp/finding.go"
echo "as seen on 2026-11-28"
