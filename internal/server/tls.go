// SPDX-License-Identifier: Apache-2.0

package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
)

// TLSFiles name the PEM files that secure the TCP address.
type TLSFiles struct {
	// Cert and Key are the certificate chain and the private key of the server; TLS is off without them.
	Cert, Key string
	// ClientCAs are certificates that vouch for clients. Clients that show a certificate are checked
	// against them.
	ClientCAs []string
	// RequireClientCert refuses clients without a certificate.
	RequireClientCert bool
}

// Config reads the files. The configuration looks at them again at every connection, so that certificates
// can be renewed while the server runs: files that changed are read, and where they cannot be used, that is
// logged and those of before stay in use. It returns nil where TLS is off, and an error where the files do not
// go together or cannot be used.
func (f TLSFiles) Config(log *slog.Logger) (*tls.Config, error) {
	switch {
	case (f.Cert == "") != (f.Key == ""):
		return nil, errors.New("TLS: the certificate (--server-tls-cert-file) and the key (--server-tls-key-file) go together")
	case f.Cert == "" && (len(f.ClientCAs) != 0 || f.RequireClientCert):
		return nil, errors.New("TLS: client certificates need a certificate and a key of the server (--server-tls-cert-file, --server-tls-key-file)")
	case f.RequireClientCert && len(f.ClientCAs) == 0:
		return nil, errors.New("TLS: --server-tls-require-client-cert needs --server-tls-client-ca-files")
	case f.Cert == "":
		return nil, nil
	}
	r := &tlsReloader{files: f, log: log}
	if _, err := r.current(); err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS13,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return r.current() },
	}, nil
}

// tlsReloader keeps the configuration that was read from files, until they change.
type tlsReloader struct {
	files TLSFiles
	log   *slog.Logger

	mu     sync.Mutex
	config *tls.Config
	seen   []os.FileInfo
	failed string // the reason why newer files are not used, told once
}

// current returns the configuration to use now.
func (r *tlsReloader) current() (*tls.Config, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen, err := r.look()
	if err == nil && r.config != nil && sameFiles(seen, r.seen) {
		return r.config, nil
	}
	var config *tls.Config
	if err == nil {
		config, err = r.files.read()
	}
	if err == nil {
		if r.config != nil {
			r.log.Info("the server's certificates were renewed", "certificate", r.files.Cert)
		}
		r.config, r.seen, r.failed = config, seen, ""
		return config, nil
	}
	if r.config == nil {
		return nil, err
	}
	if r.failed != err.Error() {
		r.failed = err.Error()
		r.log.Error("the server's certificates cannot be renewed, those of before stay in use", "error", err)
	}
	return r.config, nil
}

func (r *tlsReloader) look() ([]os.FileInfo, error) {
	var out []os.FileInfo
	for _, file := range append([]string{r.files.Cert, r.files.Key}, r.files.ClientCAs...) {
		info, err := os.Stat(file)
		if err != nil {
			return nil, fmt.Errorf("TLS: %w", err)
		}
		out = append(out, info)
	}
	return out, nil
}

// sameFiles reports whether no file was replaced or written.
func sameFiles(a, b []os.FileInfo) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !os.SameFile(a[i], b[i]) || a[i].Size() != b[i].Size() || !a[i].ModTime().Equal(b[i].ModTime()) {
			return false
		}
	}
	return true
}

func (f TLSFiles) read() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return nil, fmt.Errorf("TLS: certificate of the server: %w", err)
	}
	config := &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{pair},
		// HTTP/2 is all that gRPC speaks.
		NextProtos: []string{"h2"},
	}
	if len(f.ClientCAs) == 0 {
		return config, nil
	}
	config.ClientCAs = x509.NewCertPool()
	for _, file := range f.ClientCAs {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("TLS: certificates of clients: %w", err)
		}
		if !config.ClientCAs.AppendCertsFromPEM(data) {
			return nil, fmt.Errorf("TLS: %s holds no PEM certificate", file)
		}
	}
	config.ClientAuth = tls.VerifyClientCertIfGiven
	if f.RequireClientCert {
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return config, nil
}
