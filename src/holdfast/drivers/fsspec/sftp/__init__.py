"""SFTP, over paramiko or over sshfs (asyncssh)."""
