// The sample application: Express in front of MariaDB.
//
// HOST, PORT: where it listens. MARIADB_HOST, MARIADB_PORT: where the database of apps/sample.sql is.
const express = require('express');
const mysql = require('mysql2/promise');

const pool = mysql.createPool({
  host: process.env.MARIADB_HOST || '127.0.0.1',
  port: Number(process.env.MARIADB_PORT || 3306),
  user: 'app',
  password: 'app-secret',
  database: 'app',
  connectionLimit: 4,
});

const app = express();
app.get('/users', async (request, response, next) => {
  try {
    const [rows] = await pool.query('SELECT * FROM users');
    response.json(rows);
  } catch (problem) {
    next(problem);
  }
});
app.get('/users/:id', async (request, response, next) => {
  try {
    const [rows] = await pool.execute('SELECT * FROM users WHERE id = ?', [request.params.id]);
    if (rows.length === 0) response.status(404).json({ error: 'no such user' });
    else response.json(rows[0]);
  } catch (problem) {
    next(problem);
  }
});
app.post('/users', express.json(), async (request, response, next) => {
  try {
    const [made] = await pool.query('INSERT INTO users (name) VALUES (?)', [request.body.name]);
    response.status(201).json({ id: made.insertId });
  } catch (problem) {
    next(problem);
  }
});
app.get('/broken', async (request, response, next) => {
  try {
    await pool.query('SELECT * FROM no_such_table');
    response.json([]);
  } catch (problem) {
    next(problem);
  }
});
app.use((problem, request, response, next) => response.status(500).json({ error: problem.code || String(problem) }));

const server = app.listen(Number(process.env.PORT || 3000), process.env.HOST || '127.0.0.1');
process.on('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
  pool.end().finally(() => process.exit(0));
});
