// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/proto"

	"github.com/vedette-io/vedette/api/tetragon"
)

// mustCertificate makes a certificate for agent.test that vouches for itself.
func mustCertificate(tb testing.TB) (certFile, keyFile string, pair tls.Certificate) {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "agent.test"}, DNSNames: []string{"agent.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		tb.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	if pair, err = tls.X509KeyPair(certPEM, keyPEM); err != nil {
		tb.Fatal(err)
	}
	return mustWrite(tb, "cert.pem", string(certPEM)), mustWrite(tb, "key.pem", string(keyPEM)), pair
}

func TestTLS(t *testing.T) {
	certFile, keyFile, pair := mustCertificate(t)
	clients := x509.NewCertPool()
	clients.AddCert(pair.Leaf)
	config := &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: clients, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13}
	f := &fakeAgent{answers: map[string]proto.Message{"GetHealthStatusResponse": &tetragon.GetHealthStatusResponse{
		HealthStatus: []*tetragon.HealthStatus{{Status: tetragon.HealthStatusResult_HEALTH_STATUS_RUNNING, Details: "running"}},
	}}}
	address := mustServeAt(t, f, "tcp", "127.0.0.1:0", grpc.Creds(credentials.NewTLS(config))).String()

	pairFlags := []string{"--tls-cert-file", certFile, "--tls-key-file", keyFile}
	for _, test := range []struct {
		name  string
		flags []string
		want  string // in standard error; "" for success
	}{
		{"verified", append(pairFlags, "--tls-ca-cert-files", certFile, "--tls-server-name", "agent.test"), ""},
		{"not verified", append(pairFlags, "--tls-skip-verify"), ""},
		{"other name", append(pairFlags, "--tls-ca-cert-files", certFile, "--tls-server-name", "other.test"), "certificate is valid for agent.test, not other.test"},
		{"unknown authority", append(pairFlags, "--tls-server-name", "agent.test"), "certificate signed by unknown authority"},
		// The agent refuses it after the client has begun to send: which end of that it sees is chance.
		{"no client certificate", []string{"--tls-skip-verify"}, "the agent at " + address + " cannot be reached: "},
		{"half a pair", []string{"--tls-cert-file", certFile}, "--tls-cert-file and --tls-key-file go together"},
		{"missing file", []string{"--tls-ca-cert-files", "/does/not/exist"}, "certificates of --tls-ca-cert-files: open /does/not/exist: no such file or directory"},
		{"no certificate", []string{"--tls-ca-cert-files", keyFile}, "key.pem holds no PEM certificate"},
		{"bad pair", []string{"--tls-cert-file", keyFile, "--tls-key-file", keyFile}, "client certificate: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			args := append([]string{"status", "--retries", "0", "--server-address", address}, test.flags...)
			got := session{}.run(t, args...)
			if test.want == "" {
				got.check(t, 0, "Health Status: running\n", "")
			} else if got.status != 1 || !strings.Contains(got.stderr, test.want) || strings.Count(got.stderr, "\n") != 1 {
				t.Errorf("status %d, %q, want %q", got.status, got.stderr, test.want)
			}
		})
	}
}
