CREATE DATABASE app;
CREATE USER 'app'@'%' IDENTIFIED BY 'app-secret';
GRANT ALL ON app.* TO 'app'@'%';
FLUSH PRIVILEGES;
USE app;
CREATE TABLE users (
  id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(60) NOT NULL, email VARCHAR(120), born DATE, score DECIMAL(8,2), active BOOLEAN, bio TEXT);
INSERT INTO users (name, email, born, score, active, bio) VALUES
  ('Ada Lovelace', 'ada@example.test', '1815-12-10', 99.50, 1, 'first programmer'),
  ('Grace Hopper', 'grace@example.test', '1906-12-09', 98.25, 1, NULL),
  ('Алан Тьюринг', 'alan@example.test', '1912-06-23', 97.00, 0, 'machine'),
  ('Barbara Liskov', 'barbara@example.test', '1939-11-07', 96.75, 1, ''),
  ('名前', 'name@example.test', NULL, NULL, 0, NULL);
