// SPDX-License-Identifier: Apache-2.0

package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/vedette-io/vedette/api/tetragon"
)

// mustPair writes a certificate that vouches for itself, and its key, and returns it.
func mustPair(tb testing.TB, certFile, keyFile, name string) tls.Certificate {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{"agent.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		tb.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	mustReplace(tb, keyFile, keyPEM)
	mustReplace(tb, certFile, certPEM)
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		tb.Fatal(err)
	}
	return pair
}

func mustReplace(tb testing.TB, file string, data []byte) {
	tb.Helper()
	if err := os.WriteFile(file+".new", data, 0o600); err != nil {
		tb.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		tb.Fatal(err)
	}
}

// askVersion connects anew and returns the common name of the server's certificate.
func askVersion(tb testing.TB, address string, config *tls.Config) (string, error) {
	tb.Helper()
	name := ""
	config = config.Clone()
	config.ServerName, config.MinVersion, config.InsecureSkipVerify = "agent.test", tls.VersionTLS12, true
	config.VerifyConnection = func(s tls.ConnectionState) error {
		name = s.PeerCertificates[0].Subject.CommonName
		if s.Version != tls.VersionTLS13 {
			tb.Errorf("TLS version %x", s.Version)
		}
		return nil
	}
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(credentials.NewTLS(config)))
	if err != nil {
		tb.Fatal(err)
	}
	defer conn.Close()
	_, err = tetragon.NewFineGuidanceSensorsClient(conn).GetVersion(tb.Context(), &tetragon.GetVersionRequest{})
	return name, err
}

func TestTLSIsRenewed(t *testing.T) {
	dir := t.TempDir()
	files := TLSFiles{
		Cert: filepath.Join(dir, "tls.crt"), Key: filepath.Join(dir, "tls.key"),
		ClientCAs: []string{filepath.Join(dir, "ca.crt")}, RequireClientCert: true,
	}
	mustPair(t, files.Cert, files.Key, "first")
	client := mustPair(t, files.ClientCAs[0], filepath.Join(dir, "ca.key"), "client")
	var log strings.Builder
	f := mustServe(t, func(c *Config) {
		c.Address, c.Socket, c.TLS = "127.0.0.1:0", filepath.Join(dir, "s"), files
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
	})
	address := f.server.Addresses()[0]
	known := &tls.Config{Certificates: []tls.Certificate{client}}
	if name, err := askVersion(t, address, known); err != nil || name != "first" {
		t.Errorf("certificate %q, %v", name, err)
	}
	if _, err := askVersion(t, address, &tls.Config{}); status.Code(err) != codes.Unavailable {
		t.Errorf("without a certificate: %v", err)
	}
	stranger := mustPair(t, filepath.Join(dir, "x.crt"), filepath.Join(dir, "x.key"), "stranger")
	if _, err := askVersion(t, address, &tls.Config{Certificates: []tls.Certificate{stranger}}); status.Code(err) != codes.Unavailable {
		t.Errorf("with a certificate that nobody vouches for: %v", err)
	}
	mustPair(t, files.Cert, files.Key, "second")
	if name, err := askVersion(t, address, known); err != nil || name != "second" {
		t.Errorf("after the renewal: certificate %q, %v", name, err)
	}
	mustReplace(t, files.Cert, []byte("no certificate"))
	for range 2 {
		if name, err := askVersion(t, address, known); err != nil || name != "second" {
			t.Errorf("after a bad renewal: certificate %q, %v", name, err)
		}
	}
	mustPair(t, files.ClientCAs[0], filepath.Join(dir, "ca.key"), "other clients")
	mustPair(t, files.Cert, files.Key, "third")
	if _, err := askVersion(t, address, known); status.Code(err) != codes.Unavailable {
		t.Errorf("with a certificate that is not vouched for any more: %v", err)
	}
	if err := f.stop(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(log.String(), "cannot be renewed"); n != 1 {
		t.Errorf("the failure is told %d times:\n%s", n, log.String())
	}
}

func TestTLSFilesErrors(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "c"), filepath.Join(dir, "k")
	mustPair(t, cert, key, "x")
	for want, files := range map[string]TLSFiles{
		"go together":                        {Cert: cert},
		"client certificates need":           {ClientCAs: []string{cert}},
		"needs --server-tls-client-ca-files": {Cert: cert, Key: key, RequireClientCert: true},
		"certificate of the server":          {Cert: key, Key: key},
		"holds no PEM certificate":           {Cert: cert, Key: key, ClientCAs: []string{key}},
		"no such file":                       {Cert: cert + "x", Key: key},
	} {
		if _, err := files.Config(slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if config, err := (TLSFiles{}).Config(nil); config != nil || err != nil {
		t.Errorf("without files: %v, %v", config, err)
	}
}
